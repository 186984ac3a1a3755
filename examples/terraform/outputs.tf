output "secret_arn" {
  value = aws_secretsmanager_secret.app.arn
}

output "admin_secret_arn" {
  description = "For the parameter AdminSecretArns of Turnlock's stack, before rotation is attached."
  value       = aws_db_instance.app.master_user_secret[0].secret_arn
}

resource "aws_secretsmanager_secret" "app" {
  name_prefix = "app-"
  description = "User of the application"
  # A secret that was deleted by mistake can be restored for so long.
  recovery_window_in_days = 30

  lifecycle {
    prevent_destroy = true
  }
}

# Drawn anew at each apply and kept nowhere. Letters, digits and -._~, as Turnlock draws them itself.
ephemeral "random_password" "first" {
  length           = 32
  override_special = "-._~"
}

# The first value, and the last that comes from Terraform: from then on the secret is the function's.
resource "aws_secretsmanager_secret_version" "first" {
  secret_id = aws_secretsmanager_secret.app.id
  # Never change it: that would make a password current which the database does not have.
  secret_string_wo_version = 1
  secret_string_wo = jsonencode({
    engine    = "postgres"
    host      = aws_db_instance.app.address
    port      = aws_db_instance.app.port
    dbname    = aws_db_instance.app.db_name
    username  = "app"
    password  = ephemeral.random_password.first.result
    masterarn = aws_db_instance.app.master_user_secret[0].secret_arn
  })
  # Two rotations later this version has neither AWSCURRENT nor AWSPREVIOUS, and Secrets Manager may remove versions without
  # a label. Terraform would then find it gone and make it again, as the current one. A label of its own keeps it.
  version_stages = ["AWSCURRENT", "terraform"]

  lifecycle {
    # Without version_stages here, the next apply after a rotation would move AWSCURRENT back to this version.
    ignore_changes  = [version_stages]
    prevent_destroy = true
  }
}

# The stack may also be Terraform's, as an `aws_cloudformation_stack`.
data "aws_cloudformation_export" "function" {
  name = "${var.turnlock_stack}-PostgresFunctionArn"
}

# `masterarn` in the secret makes two users take turns: app and app_clone, which the function makes itself.
resource "aws_secretsmanager_secret_rotation" "app" {
  count = var.attach_rotation ? 1 : 0

  secret_id           = aws_secretsmanager_secret_version.first.secret_id
  rotation_lambda_arn = data.aws_cloudformation_export.function.value
  # Absent, it is true, and each change of this resource rotates. With false, testSecret runs alone and says what the
  # first rotation would lack.
  rotate_immediately = false

  rotation_rules {
    # The first of each month, from 03:00 to 05:00 UTC.
    schedule_expression = "cron(0 3 1 * ? *)"
    duration            = "2h"
  }
}

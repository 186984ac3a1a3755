resource "aws_db_subnet_group" "app" {
  name_prefix = "app-"
  subnet_ids  = var.subnet_ids
}

# RDS makes the admin's password and rotates it itself, so Terraform has none to keep. With a password of Terraform's,
# `password` would be in the state, and written back over a rotated one by the next change of it.
resource "aws_db_instance" "app" {
  identifier_prefix           = "app-"
  engine                      = "postgres"
  instance_class              = "db.t4g.micro"
  allocated_storage           = 20
  storage_type                = "gp3"
  storage_encrypted           = true
  backup_retention_period     = 7
  db_name                     = "app"
  username                    = "postgres"
  manage_master_user_password = true
  db_subnet_group_name        = aws_db_subnet_group.app.name
  vpc_security_group_ids      = var.security_group_ids
  deletion_protection         = true
  final_snapshot_identifier   = "app-final"
}

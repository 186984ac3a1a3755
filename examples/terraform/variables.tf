variable "turnlock_stack" {
  description = "The stack of template.yaml, whose export names the function."
  type        = string
  default     = "turnlock"
}

variable "attach_rotation" {
  description = "false at first, since Terraform makes no user in the database. Then make `app` with the secret's password, allow the function the admin's secret, and apply with true."
  type        = bool
  default     = false
}

variable "subnet_ids" {
  description = "Private subnets in two availability zones at least."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the database, which let the function in (see network.yaml)."
  type        = list(string)
}

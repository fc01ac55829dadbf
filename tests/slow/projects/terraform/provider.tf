# Every service that is used has an endpoint of its own here: the provider knows no other way.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "3.39.0" }
  }
}

variable "endpoint" { type = string }
variable "runtime" { type = string }

variable "greeting" {
  type    = string
  default = "hello"
}

variable "size" {
  type    = number
  default = 6
}

variable "team" {
  type    = string
  default = "shop"
}

provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "test"
  secret_key                  = "test"
  s3_force_path_style         = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  endpoints {
    apigateway       = var.endpoint
    apigatewayv2     = var.endpoint
    cloudwatchevents = var.endpoint
    cloudwatchlogs   = var.endpoint
    ec2              = var.endpoint
    iam              = var.endpoint
    lambda           = var.endpoint
    s3               = var.endpoint
    sqs              = var.endpoint
    sts              = var.endpoint
  }
}

terraform {
  required_version = ">= 1.5"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.0"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region

  # With somebody's own login the API of budgets answers only where the project that asks is named.
  billing_project       = var.project
  user_project_override = true
}

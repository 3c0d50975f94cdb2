resource "google_project_service" "iam" {
  service            = "iam.googleapis.com"
  disable_on_destroy = false
}

resource "google_service_account" "account" {
  for_each = local.accounts

  account_id   = each.value.service_account
  display_name = "Poolhouse ${each.key}"
  description  = each.value.description

  depends_on = [google_project_service.iam]
}

locals {
  # One per account and role on the project: "reader/roles/bigquery.jobUser".
  project_roles = merge([
    for name, row in local.accounts : {
      for role in split(" ", row.project_roles) : "${name}/${role}" => { account = name, role = role }
    }
  ]...)
}

resource "google_project_iam_member" "account" {
  for_each = local.project_roles

  project = var.project
  role    = each.value.role
  member  = google_service_account.account[each.value.account].member
}

# Pushes images and lets the jobs run them; sees no data.
resource "google_service_account" "deployer" {
  account_id   = "poolhouse-deployer"
  display_name = "Poolhouse deployer"

  depends_on = [google_project_service.iam]
}

# Starts the jobs, and may do nothing else.
resource "google_service_account" "scheduler" {
  account_id   = "poolhouse-scheduler"
  display_name = "Poolhouse scheduler"

  depends_on = [google_project_service.iam]
}

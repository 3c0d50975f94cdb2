resource "google_project_service" "schedule" {
  for_each = toset(["run.googleapis.com", "cloudscheduler.googleapis.com", "secretmanager.googleapis.com"])

  service            = each.key
  disable_on_destroy = false
}

# The endpoint's URL carries its key. Its value is added by hand (deploy/README.md) and never stands in Terraform's state.
resource "google_secret_manager_secret" "rpc_url" {
  for_each = var.chains

  secret_id = "poolhouse-rpc-url-${each.key}"

  replication {
    auto {}
  }

  depends_on = [google_project_service.schedule]
}

resource "google_secret_manager_secret_iam_member" "loader" {
  for_each = var.chains

  secret_id = google_secret_manager_secret.rpc_url[each.key].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.account["loader"].member
}

locals {
  image = coalesce(var.image, "us-docker.pkg.dev/cloudrun/container/job:latest")

  warehouse = {
    POOLHOUSE_GCP_PROJECT = var.project
    POOLHOUSE_BQ_LOCATION = var.location
  }

  # Every job with its schedule.
  jobs = merge(
    { for chain, _ in var.chains : google_cloud_run_v2_job.load[chain].name => var.load_schedule },
    { (google_cloud_run_v2_job.build.name) = var.build_schedule },
  )
}

resource "google_cloud_run_v2_job" "load" {
  for_each = var.chains

  name     = "poolhouse-load-${each.key}"
  location = var.region

  template {
    template {
      service_account = google_service_account.account["loader"].email
      timeout         = "3300s"
      # What was read is in the warehouse; the next hour goes on from there.
      max_retries = 0

      containers {
        image   = local.image
        command = ["poolhouse"]
        args = [
          "load", "--chain", each.key, "--from-block", tostring(each.value), "--destination", "bigquery",
          "--archive", "gs://${google_storage_bucket.archive.name}/archive", "--log-json",
        ]

        resources {
          limits = { cpu = "2", memory = "4Gi" }
        }

        dynamic "env" {
          for_each = local.warehouse
          content {
            name  = env.key
            value = env.value
          }
        }

        env {
          name = "POOLHOUSE_RPC_URL"
          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.rpc_url[each.key].secret_id
              version = "latest"
            }
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [template[0].template[0].containers[0].image]
  }

  depends_on = [google_secret_manager_secret_iam_member.loader]
}

resource "google_cloud_run_v2_job" "build" {
  name     = "poolhouse-build"
  location = var.region

  template {
    template {
      service_account = google_service_account.account["builder"].email
      timeout         = "3300s"
      max_retries     = 0

      containers {
        image   = local.image
        command = ["dbt"]
        args    = ["build", "--target", "bigquery", "--exclude-resource-type", "unit_test"]

        resources {
          limits = { cpu = "2", memory = "4Gi" }
        }

        dynamic "env" {
          for_each = local.warehouse
          content {
            name  = env.key
            value = env.value
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [template[0].template[0].containers[0].image]
  }

  depends_on = [google_project_service.schedule]
}

resource "google_cloud_run_v2_job_iam_member" "scheduler" {
  for_each = local.jobs

  name     = each.key
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.scheduler.member
}

resource "google_cloud_scheduler_job" "job" {
  for_each = local.jobs

  name      = each.key
  region    = var.region
  schedule  = each.value
  time_zone = "Etc/UTC"

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/projects/${var.project}/locations/${var.region}/jobs/${each.key}:run"

    oauth_token {
      service_account_email = google_service_account.scheduler.email
    }
  }

  depends_on = [google_project_service.schedule]
}

resource "google_cloud_run_v2_job_iam_member" "deployer" {
  for_each = local.jobs

  name     = each.key
  location = var.region
  role     = "roles/run.developer"
  member   = google_service_account.deployer.member
}

# Whoever changes a job must be allowed to act as the account that it runs as.
resource "google_service_account_iam_member" "deployer" {
  for_each = toset(["loader", "builder"])

  service_account_id = google_service_account.account[each.key].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deployer.member
}

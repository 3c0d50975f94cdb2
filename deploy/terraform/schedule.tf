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
    for name, value in {
      POOLHOUSE_GCP_PROJECT      = var.project
      POOLHOUSE_BQ_LOCATION      = var.location
      POOLHOUSE_BQ_MAXIMUM_BYTES = var.maximum_bytes_billed
    } : name => tostring(value) if value != null
  }

  build_job = "poolhouse-build"

  # Every job by its name: who runs what, when, and the chain whose endpoint it asks, if any.
  jobs = merge(
    {
      for chain, from_block in var.chains : "poolhouse-load-${chain}" => {
        account  = "loader"
        command  = "poolhouse"
        args     = concat(["load", "--chain", chain, "--from-block", tostring(from_block)], local.load_args)
        schedule = var.load_schedule
        chain    = chain
      }
    },
    {
      for chain, _ in var.chains : "poolhouse-snapshot-${chain}" => {
        account  = "loader"
        command  = "poolhouse"
        args     = ["snapshot", "--chain", chain, "--destination", "bigquery"]
        schedule = var.snapshot_schedule
        chain    = chain
      } if var.snapshot_schedule != null
    },
    {
      (local.build_job) = {
        account  = "builder"
        command  = "dbt"
        args     = ["build", "--target", "bigquery", "--exclude-resource-type", "unit_test"]
        schedule = var.build_schedule
        chain    = null
      }
    },
  )

  load_args = ["--destination", "bigquery", "--archive", "gs://${local.archive}/archive", "--log-json"]
}

resource "google_cloud_run_v2_job" "job" {
  for_each = local.jobs

  name     = each.key
  location = var.region
  # It holds nothing: without this a chain that is dropped from `chains` could not be.
  deletion_protection = false

  template {
    template {
      service_account = google_service_account.account[each.value.account].email
      # Ends before the next one begins. What a load has read by then is in the warehouse, and the next goes on from there.
      timeout     = "3300s"
      max_retries = 0

      containers {
        image   = local.image
        command = [each.value.command]
        args    = each.value.args

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

        dynamic "env" {
          for_each = each.value.chain == null ? [] : [google_secret_manager_secret.rpc_url[each.value.chain].secret_id]
          content {
            name = "POOLHOUSE_RPC_URL"
            value_source {
              secret_key_ref {
                secret  = env.value
                version = "latest"
              }
            }
          }
        }
      }
    }
  }

  # The workflow `main` changes the image, and gcloud says that it did.
  lifecycle {
    ignore_changes = [client, client_version, template[0].template[0].containers[0].image]
  }

  depends_on = [google_project_service.schedule, google_secret_manager_secret_iam_member.loader]
}

resource "google_cloud_run_v2_job_iam_member" "scheduler" {
  for_each = local.jobs

  name     = google_cloud_run_v2_job.job[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.scheduler.member
}

resource "google_cloud_scheduler_job" "job" {
  for_each = local.jobs

  name      = each.key
  region    = var.region
  schedule  = each.value.schedule
  time_zone = "Etc/UTC"
  paused    = var.schedule_paused

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

  name     = google_cloud_run_v2_job.job[each.key].name
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

# Workflows that build production hold its schedule meanwhile (.ci/schedule).
resource "google_project_iam_custom_role" "hold_schedule" {
  role_id     = "poolhouseHoldSchedule"
  title       = "Poolhouse: hold the schedule"
  description = "Pause and resume scheduled jobs, and see whether one is running."
  permissions = [
    "cloudscheduler.jobs.enable", # resumes
    "cloudscheduler.jobs.get",
    "cloudscheduler.jobs.pause",
    "run.executions.list",
  ]

  depends_on = [google_project_service.iam]
}

resource "google_project_iam_member" "builder_holds_schedule" {
  project = var.project
  role    = google_project_iam_custom_role.hold_schedule.id
  member  = google_service_account.account["builder"].member
}

output "github_variables" {
  description = "Variables of the GitHub repository that .github/workflows read."
  value = {
    GCP_PROJECT                = var.project
    BQ_LOCATION                = var.location
    RUN_REGION                 = var.region
    RUN_JOBS                   = join(" ", keys(local.jobs))
    BUILD_JOB                  = local.build_job
    CHAINS                     = jsonencode(keys(var.chains))
    WORKLOAD_IDENTITY_PROVIDER = google_iam_workload_identity_pool_provider.github.name
    BUILDER_SERVICE_ACCOUNT    = google_service_account.account["builder"].email
    LOADER_SERVICE_ACCOUNT     = google_service_account.account["loader"].email
    DEPLOYER_SERVICE_ACCOUNT   = google_service_account.deployer.email
    STATE_BUCKET               = google_storage_bucket.state.name
    IMAGE                      = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.name}/poolhouse"
  }
}

output "reader_service_account" {
  description = "Service account for BI tools."
  value       = google_service_account.account["reader"].email
}

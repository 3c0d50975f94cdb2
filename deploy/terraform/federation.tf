# Keyless: GitHub's own token is exchanged for a service account's. Tokens of pull requests, of other repositories and of other
# branches are refused by the provider's condition; each account accepts only the environments that need it.
resource "google_project_service" "federation" {
  for_each = toset(["iamcredentials.googleapis.com", "sts.googleapis.com"])

  service            = each.key
  disable_on_destroy = false
}

resource "google_iam_workload_identity_pool" "github" {
  workload_identity_pool_id = "poolhouse-github"
  display_name              = "Poolhouse on GitHub"

  depends_on = [google_project_service.federation, google_project_service.iam]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  workload_identity_pool_id          = google_iam_workload_identity_pool.github.workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  attribute_condition                = "assertion.repository == '${var.repository}' && assertion.ref == 'refs/heads/main'"

  # Accounts are given to environments by a claim of their own: the subject of a repository made since mid-2026 has numbers in it.
  attribute_mapping = {
    "google.subject"        = "assertion.sub"
    "attribute.environment" = "assertion.environment"
  }

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

locals {
  # The environments of .github/workflows that act as an account.
  environments = {
    builder  = ["ci", "production", "nightly"]
    loader   = ["nightly"]
    deployer = ["production"]
  }
  service_accounts = merge(google_service_account.account, { deployer = google_service_account.deployer })

  # One per account and environment: "builder/ci".
  federated = merge([
    for account, names in local.environments : {
      for name in names : "${account}/${name}" => { account = account, environment = name }
    }
  ]...)
}

resource "google_service_account_iam_member" "github" {
  for_each = local.federated

  service_account_id = local.service_accounts[each.value.account].name
  role               = "roles/iam.workloadIdentityUser"
  member = join("/", [
    "principalSet://iam.googleapis.com", google_iam_workload_identity_pool.github.name, "attribute.environment", each.value.environment,
  ])
}

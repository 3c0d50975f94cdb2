# The same tables that `poolhouse init bigquery` reads: datasets and grants stand in no other place.
locals {
  setup    = "${path.module}/../../loaders/bigquery_setup"
  datasets = { for row in csvdecode(file("${local.setup}/datasets.csv")) : row.dataset => row }
  accounts = { for row in csvdecode(file("${local.setup}/accounts.csv")) : row.account => row }

  # CI has datasets of its own for all that models make; what the loader writes is shared.
  ci_datasets = { for name, row in local.datasets : "${var.ci_prefix}_${name}" => row if name != "raw" }

  writer_role = "roles/bigquery.dataEditor"
  reader_role = "roles/bigquery.dataViewer"
}

resource "google_project_service" "bigquery" {
  service            = "bigquery.googleapis.com"
  disable_on_destroy = false
}

resource "google_bigquery_dataset" "production" {
  for_each = local.datasets

  dataset_id  = each.key
  location    = var.location
  description = each.value.description
  labels      = { app = "poolhouse", layer = each.value.layer, environment = "production" }

  # History costs more to load again than to keep.
  delete_contents_on_destroy = false

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_project_service.bigquery]
}

resource "google_bigquery_dataset" "ci" {
  for_each = local.ci_datasets

  dataset_id                  = each.key
  location                    = var.location
  description                 = each.value.description
  labels                      = { app = "poolhouse", layer = each.value.layer, environment = "ci" }
  default_table_expiration_ms = 2 * 24 * 60 * 60 * 1000
  delete_contents_on_destroy  = true

  depends_on = [google_project_service.bigquery]
}

resource "google_bigquery_dataset_iam_member" "writer" {
  for_each = local.datasets

  dataset_id = google_bigquery_dataset.production[each.key].dataset_id
  role       = local.writer_role
  member     = google_service_account.account[each.value.writer].member
}

resource "google_bigquery_dataset_iam_member" "ci_writer" {
  for_each = local.ci_datasets

  dataset_id = google_bigquery_dataset.ci[each.key].dataset_id
  role       = local.writer_role
  member     = google_service_account.account[each.value.writer].member
}

locals {
  # One per dataset and reader: "raw/builder".
  readings = merge([
    for name, row in local.datasets : {
      for reader in compact(split(" ", row.readers)) : "${name}/${reader}" => { dataset = name, reader = reader }
    }
  ]...)

  people = merge([
    for key, reading in local.readings : {
      for member in var.readers : "${reading.dataset}/${member}" => { dataset = reading.dataset, member = member }
    } if reading.reader == "reader"
  ]...)
}

resource "google_bigquery_dataset_iam_member" "reader" {
  for_each = local.readings

  dataset_id = google_bigquery_dataset.production[each.value.dataset].dataset_id
  role       = local.reader_role
  member     = google_service_account.account[each.value.reader].member
}

resource "google_bigquery_dataset_iam_member" "people" {
  for_each = local.people

  dataset_id = google_bigquery_dataset.production[each.value.dataset].dataset_id
  role       = local.reader_role
  member     = each.value.member
}

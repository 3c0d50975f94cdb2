# An email for each job that failed: 3 a.m. begins here (docs/operations.md).
resource "google_project_service" "alerts" {
  count = var.alert_email == null ? 0 : 1

  service            = "monitoring.googleapis.com"
  disable_on_destroy = false
}

resource "google_monitoring_notification_channel" "email" {
  count = var.alert_email == null ? 0 : 1

  display_name = "Poolhouse"
  type         = "email"
  labels       = { email_address = var.alert_email }

  depends_on = [google_project_service.alerts]
}

resource "google_monitoring_alert_policy" "job_failed" {
  count = var.alert_email == null ? 0 : 1

  display_name          = "Poolhouse: a job failed"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.email[0].name]

  conditions {
    display_name = "A job failed"

    condition_threshold {
      filter = join(" AND ", [
        "resource.type = \"cloud_run_job\"",
        "resource.labels.job_name = starts_with(\"poolhouse-\")",
        "metric.type = \"run.googleapis.com/job/completed_execution_count\"",
        "metric.labels.result = \"failed\"",
      ])
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.labels.job_name"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "docs/production.md, \"When a job fails\", says where to look and what to do."
  }
}

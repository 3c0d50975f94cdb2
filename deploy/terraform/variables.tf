variable "project" {
  description = "Google Cloud project id (POOLHOUSE_GCP_PROJECT). Billing must be linked to it."
  type        = string
}

variable "location" {
  description = "Where the datasets lie (POOLHOUSE_BQ_LOCATION): US, EU or a region. Cannot be changed later."
  type        = string
  default     = "US"
}

variable "region" {
  description = "Region of Cloud Run, its schedule and the image, within or near `location`."
  type        = string
  default     = "us-central1"
}

variable "repository" {
  description = "GitHub repository that may act as the service accounts, as owner/name."
  type        = string
}

variable "chains" {
  description = "Chains to keep loaded, each from this block on: {ethereum = 19000000}. Names as in seeds/chains.csv."
  type        = map(number)
  default     = {}
}

variable "load_schedule" {
  description = "When each chain is loaded, as a cron line in UTC."
  type        = string
  default     = "5 * * * *"
}

variable "snapshot_schedule" {
  description = "When the state of every known contract is read, for models to be held against, as a cron line in UTC. null: by hand."
  type        = string
  default     = null
}

variable "build_schedule" {
  description = "When dbt builds, as a cron line in UTC; some time after the loads. Daily costs a small part of hourly."
  type        = string
  default     = "35 * * * *"
}

variable "schedule_paused" {
  description = "Make the schedule without letting it begin: while history is loaded and built for the first time."
  type        = bool
  default     = false
}

variable "maximum_bytes_billed" {
  description = "What a statement of the scheduled build may bill at most (POOLHOUSE_BQ_MAXIMUM_BYTES). null: 1 TiB."
  type        = number
  default     = null
}

variable "ci_prefix" {
  description = "What precedes the datasets that CI builds in (POOLHOUSE_BQ_CI_PREFIX)."
  type        = string
  default     = "ci"
}

variable "readers" {
  description = "Who may read the marts besides the reader's service account: members such as group:analysts@example.com."
  type        = list(string)
  default     = []
}

variable "image" {
  description = "Image that the jobs run until the workflow `main` has pushed one; null: Google's placeholder."
  type        = string
  default     = null
}

variable "alert_email" {
  description = "Who is told when a scheduled job fails, as an address of email. null: nobody."
  type        = string
  default     = null
}

variable "budget" {
  description = "Monthly budget of the project, with alerts at 50, 90 and 100 %: {billing_account, amount, currency}. null: none."
  type = object({
    billing_account = string
    amount          = number
    currency        = string
  })
  default = null
}

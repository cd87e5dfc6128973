$headers = @{
    Authorization = "Bearer $env:FCC_KEY"
    Accept = 'application/json'
{{- if .Several}}
    'xero-tenant-id' = $env:FCC_ORGANISATION
{{- end}}
}
$answer = Invoke-RestMethod -Uri '{{.Address}}/api.xro/2.0/Invoices?page=1&pageSize=5' -Headers $headers
$answer.Invoices | Select-Object InvoiceNumber, Total

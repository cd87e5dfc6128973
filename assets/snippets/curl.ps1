curl.exe -H "Authorization: Bearer $env:FCC_KEY" -H "Accept: application/json" `
  {{if .Several}}-H "xero-tenant-id: $env:FCC_ORGANISATION" `
  {{end}}"{{.Address}}/api.xro/2.0/Invoices?page=1&pageSize=5"

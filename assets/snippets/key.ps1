$env:FCC_KEY = '{{.Key}}'
{{- if .Several}}
$env:FCC_ORGANISATION = '{{.Tenant}}'
{{- end}}

export FCC_KEY='{{.Key}}'
{{- if .Several}}
export FCC_ORGANISATION='{{.Tenant}}'
{{- end}}

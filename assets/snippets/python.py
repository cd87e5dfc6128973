import os

import requests

fcc = requests.Session()
fcc.headers["Authorization"] = "Bearer " + os.environ["FCC_KEY"]
fcc.headers["Accept"] = "application/json"
{{- if .Several}}
fcc.headers["xero-tenant-id"] = os.environ["FCC_ORGANISATION"]
{{- end}}

answer = fcc.get("{{.Address}}/api.xro/2.0/Invoices", params={"page": 1, "pageSize": 5}, timeout=60)
answer.raise_for_status()
for invoice in answer.json()["Invoices"]:
    print(invoice.get("InvoiceNumber"), invoice["Contact"]["Name"], invoice["Total"])

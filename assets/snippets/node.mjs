const answer = await fetch("{{.Address}}/api.xro/2.0/Invoices?page=1&pageSize=5", {
  headers: {
    Authorization: "Bearer " + process.env.FCC_KEY,
    Accept: "application/json",
{{- if .Several}}
    "xero-tenant-id": process.env.FCC_ORGANISATION,
{{- end}}
  },
});
if (!answer.ok) throw new Error(await answer.text());
for (const invoice of (await answer.json()).Invoices) {
  console.log(invoice.InvoiceNumber, invoice.Contact.Name, invoice.Total);
}

// Reads and writes an organisation's books with Xero's own SDK, through Financial
// Command Center: nothing of the SDK is changed but the address of its APIs and the
// token, which is FCC's key.
//
//	FCC_KEY=fcc_… node books.js http://localhost:8000 "Harbour Joinery Ltd"
//
// It prints what it saw as JSON.
const { XeroClient } = require("xero-node");
const { createHash, randomBytes } = require("crypto");

const [base, organisation] = process.argv.slice(2);
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function main() {
  const xero = new XeroClient();
  xero.accountingApi.basePath = base + "/api.xro/2.0";
  xero.setTokenSet({ access_token: process.env.FCC_KEY, token_type: "Bearer" });

  // The SDK's updateTenants has Xero's own address in it.
  const answer = await fetch(base + "/connections", { headers: { Authorization: "Bearer " + process.env.FCC_KEY } });
  const tenants = await answer.json();
  const tenant = tenants.find((t) => t.tenantName === organisation).tenantId;
  const api = xero.accountingApi;
  const saw = { tenants: tenants.map((t) => t.tenantName) };

  saw.organisation = (await api.getOrganisations(tenant)).body.organisations[0].name;
  saw.invoices = [];
  for (let page = 1, pages = 1; page <= pages; page++) {
    const { body } = await api.getInvoices(tenant, undefined, undefined, "InvoiceNumber ASC", undefined, undefined, undefined,
      ["AUTHORISED"], page, false, false, 4, false, 40);
    pages = body.pagination.pageCount;
    saw.invoices.push(...body.invoices.map((i) => i.invoiceNumber));
  }

  const customer = (await api.createContacts(tenant, { contacts: [{ name: "SDK & Söhne GmbH", emailAddress: "sdk@example.com" }] })).body.contacts[0];
  saw.contact = customer.name;
  const invoice = (await api.createInvoices(tenant, {
    invoices: [{
      type: "ACCREC", status: "AUTHORISED", contact: { contactID: customer.contactID }, dueDate: "2030-01-31", reference: "by the SDK",
      lineItems: [{ description: "Work", quantity: 2, unitAmount: 100.25, accountCode: "200", taxType: "OUTPUT2" }],
    }],
  })).body.invoices[0];
  saw.invoice = invoice.invoiceID;

  const bank = (await api.getAccounts(tenant, undefined, 'Type=="BANK"')).body.accounts[0];
  const payment = (await api.createPayment(tenant, {
    invoice: { invoiceID: invoice.invoiceID }, account: { accountID: bank.accountID }, date: "2026-06-01", amount: 100.5,
  })).body.payments[0];
  saw.paid = payment.amount;

  const scan = randomBytes(300000);
  const kept = (await api.createInvoiceAttachmentByFileName(tenant, invoice.invoiceID, "Lieferschein № 7.pdf", scan)).body.attachments[0];
  saw.attachment = { name: kept.fileName, length: kept.contentLength, sha256: sha256(scan) };
  const back = (await api.getInvoiceAttachmentByFileName(tenant, invoice.invoiceID, kept.fileName, "application/pdf")).body;
  saw.attachment.back = sha256(back);

  const after = (await api.getInvoice(tenant, invoice.invoiceID)).body.invoices[0];
  saw.after = { due: after.amountDue, paid: after.amountPaid, attachments: after.hasAttachments };

  // What Xero refuses is refused in Xero's words.
  saw.refused = await api.createContacts(tenant, { contacts: [{ emailAddress: "nobody" }] }).then(() => "", JSON.parse);
  console.log(JSON.stringify(saw));
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});

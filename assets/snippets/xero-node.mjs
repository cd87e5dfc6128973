import sdk from "xero-node";

const xero = new sdk.XeroClient();
xero.accountingApi.basePath = "{{.Address}}/api.xro/2.0";
xero.setTokenSet({ access_token: process.env.FCC_KEY, token_type: "Bearer" });

// In place of xero.updateTenants(), which has Xero's own address in it.
const answer = await fetch("{{.Address}}/connections", { headers: { Authorization: "Bearer " + process.env.FCC_KEY } });
if (!answer.ok) throw new Error(await answer.text());
const tenants = await answer.json();
const tenant = {{if .Several}}tenants.find((t) => t.tenantId === process.env.FCC_ORGANISATION){{else}}tenants[0]{{end}}.tenantId;

const { body } = await xero.accountingApi.getOrganisations(tenant);
console.log(body.organisations[0].name);

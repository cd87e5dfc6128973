// Reads Xero's other APIs with Xero's own SDK, through Financial Command Center, and
// uploads a file. Called as books.js is.
const { XeroClient } = require("xero-node");

const [base, organisation] = process.argv.slice(2);

async function main() {
  const xero = new XeroClient();
  for (const [api, path] of Object.entries({
    filesApi: "/files.xro/1.0", assetApi: "/assets.xro/1.0", projectApi: "/projects.xro/2.0", payrollNZApi: "/payroll.xro/2.0",
  })) {
    xero[api].basePath = base + path;
  }
  xero.setTokenSet({ access_token: process.env.FCC_KEY, token_type: "Bearer" });
  const answer = await fetch(base + "/connections", { headers: { Authorization: "Bearer " + process.env.FCC_KEY } });
  const tenant = (await answer.json()).find((t) => t.tenantName === organisation).tenantId;

  const saw = {};
  saw.files = (await xero.filesApi.getFiles(tenant)).body.items.map((f) => f.name);
  const made = (await xero.filesApi.uploadFile(tenant, Buffer.from("by the SDK"), "upload", "note.txt", undefined, "text/plain")).body;
  saw.made = { name: made.name, type: made.mimeType, size: made.size };
  saw.content = (await xero.filesApi.getFileContent(tenant, made.id)).body.toString();
  saw.deleted = (await xero.filesApi.deleteFile(tenant, made.id)).response.status;
  saw.assets = (await xero.assetApi.getAssets(tenant, "REGISTERED")).body.items.map((a) => a.assetName);
  saw.assetTypes = (await xero.assetApi.getAssetTypes(tenant)).body.map((t) => t.assetTypeName);
  saw.projects = (await xero.projectApi.getProjects(tenant)).body.items.map((p) => p.status);
  saw.employees = (await xero.payrollNZApi.getEmployees(tenant)).body.employees.length;
  console.log(JSON.stringify(saw));
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});

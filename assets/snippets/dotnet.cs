using System.Net.Http.Headers;
using System.Text.Json;

using var fcc = new HttpClient { BaseAddress = new Uri("{{.Address}}") };
fcc.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Environment.GetEnvironmentVariable("FCC_KEY"));
fcc.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
{{- if .Several}}
fcc.DefaultRequestHeaders.Add("xero-tenant-id", Environment.GetEnvironmentVariable("FCC_ORGANISATION"));
{{- end}}

using var answer = JsonDocument.Parse(await fcc.GetStringAsync("/api.xro/2.0/Invoices?page=1&pageSize=5"));
foreach (var invoice in answer.RootElement.GetProperty("Invoices").EnumerateArray())
{
    Console.WriteLine($"{invoice.GetProperty("Contact").GetProperty("Name")} {invoice.GetProperty("Total")}");
}

// Runs the audits of graphql-http against AUDIT_URL with AUDIT_KEY and prints one JSON object a line.
import { serverAudits } from 'graphql-http';

const authorised = (url, init = {}) =>
  fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${process.env.AUDIT_KEY}` } });

for (const audit of serverAudits({ url: process.env.AUDIT_URL, fetchFn: authorised })) {
  const result = await audit.fn();
  console.log(JSON.stringify({ id: audit.id, name: audit.name, status: result.status, reason: result.reason ?? null }));
}

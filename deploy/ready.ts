// Whether calls should come here, for health checks by command: ends with 0, or with 1 and why. Asked on the port of metrics,
// which speaks plain HTTP whatever the port of calls does.

// Compose files pass what is not set as an empty text.
const { CREDIT_LEDGER_METRICS_PORT: wanted = '' } = process.env;
const port = wanted === '' ? '9464' : wanted;
try {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_000) });
  if (!answer.ok) throw new Error(await answer.text());
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
}

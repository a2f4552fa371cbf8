import { createServer } from "node:http";

/**
 * Runs in a container: accepts all webhooks, and prints each as a JSON line. It answers each GET with
 * success, because the health check of its image sends one.
 */
const port = 8081;

createServer((req, res) => {
  let body = "";
  req.on("data", (chunk: Buffer) => (body += chunk.toString()));
  req.on("end", () => {
    if (req.method === "POST") {
      const { type, data } = JSON.parse(body) as { type: string; data: unknown };
      console.log(JSON.stringify({ id: req.headers["webhook-id"], type, data }));
    }
    res.writeHead(204).end();
  });
}).listen(port);

// As PID 1 it would ignore the signal.
process.on("SIGTERM", () => process.exit());

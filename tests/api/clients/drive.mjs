// A reference client as it is published, driven from outside: node drive.mjs ws|sse URL KEY
//
//   >> {"subscribe": id, "query", "variables"}   << {"id", "next"} …, {"id", "complete"}   or   {"id", "error"}
//   >> {"cancel": id}                               the client ends the operation
//   >> {"dispose": true}                            the client ends altogether
//                                                << {"event", …} of the connection: connected, ping, pong, closed
import { createInterface } from 'node:readline';
import { createClient as overEventStream } from 'graphql-sse';
import { createClient as overWebSocket } from 'graphql-ws';
import WebSocket from 'ws';

const [transport, url, key, singleConnection] = process.argv.slice(2);
const authorization = `Bearer ${key}`;
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

// Retrying is the driver's: it goes on after the cursor that it has seen.
const clients = {
  ws: () =>
    overWebSocket({
      url,
      webSocketImpl: WebSocket,
      connectionParams: { authorization },
      keepAlive: 300,
      retryAttempts: 0,
      lazyCloseTimeout: 200,
      onNonLazyError: () => {},
      on: {
        connected: () => say({ event: 'connected' }),
        ping: (received) => say({ event: 'ping', received }),
        pong: (received) => say({ event: 'pong', received }),
        closed: ({ code, reason }) => say({ event: 'closed', code, reason }),
      },
    }),
  sse: () =>
    overEventStream({
      url,
      headers: { authorization },
      retryAttempts: 0,
      singleConnection: singleConnection === 'single',
    }),
};

// What a client hands to its application: a list of GraphQL errors, a close event, or an Error.
const shown = (error) => {
  if (Array.isArray(error)) return { errors: error };
  return { name: error.name ?? null, code: error.code ?? null, status: error.response?.status ?? null, message: String(error.message ?? error.reason) };
};

const client = clients[transport]();
const running = new Map();

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  if (command.subscribe) {
    const id = command.subscribe;
    const { query, variables } = command;
    running.set(
      id,
      client.subscribe(
        { query, variables },
        {
          next: (next) => say({ id, next }),
          error: (error) => say({ id, error: shown(error) }),
          complete: () => say({ id, complete: true }),
        },
      ),
    );
  } else if (command.cancel) {
    running.get(command.cancel)();
  } else if (command.dispose) {
    await client.dispose();
  }
}

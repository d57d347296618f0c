// Subscribers of the request log feed, in one Node process without packages: typed fields over a websocket
// (graphql-transport-ws), or the JSON firehose over SSE.
//
//   node subscribers.mjs '{"port", "key", "transport": "ws"|"sse", "subscribers", "reconnecting", "stalled", "after", "distinct"}'
//
// Each has a connection of its own and checks that positions follow each other without a hole. `reconnecting` of them lose their
// connection again and again and come back with their cursor; `stalled` more stop reading at once. On stdin, one line each:
//   reach N    the readers stop once they have position N, and their counts are printed
//   resume N   the stalled ones read again, up to position N, and their counts are printed
//
// The age of an event is its arrival here less its request's end: both clocks are this machine's. What happened before its reader
// was (back) at it, and what comes to a stalled one, is not counted.

import { createHash, randomBytes } from "node:crypto";
import http from "node:http";
import net from "node:net";
import readline from "node:readline";

const settings = JSON.parse(process.argv[2]);
const RECONNECT_MS = 2000;
const AWAY_MS = 300;
const GIVE_UP_MS = 20000;

const ROW = "cursor at latencyMs projectSlug tokenId model provider status httpStatus inputTokens outputTokens cost revision";
const QUERIES = {
  ws: `subscription Feed($after: String) { requestLogFeed(after: $after) { cursor gap { from to reason } events { ${ROW} } } }`,
  sse: "subscription Firehose($after: String) { requestLogFirehose(after: $after) }",
};
const ages = new Array(60000).fill(0);

function payload(subscriber) {
  // Documents of their own: each asks for a row's figures in another way, so that no two can share an answer.
  const query = QUERIES[settings.transport];
  const own = settings.distinct ? query.replace("latencyMs", `latencyMs own${subscriber.index}: attempts`) : query;
  return { query: own, variables: { after: String(subscriber.cursor) } };
}

// --- one subscriber's account of what it was given ---

class Subscriber {
  constructor(index, stalled) {
    Object.assign(this, { index, stalled, cursor: Number(settings.after), events: 0, missing: 0, doubled: 0, gaps: [] });
    Object.assign(this, { reconnects: 0, errors: [], ready: false, since: Infinity, target: Infinity, stop: () => {}, resume: () => {} });
  }

  begin() {
    this.ready = true;
    this.since = this.stalled ? Infinity : Date.now();
  }

  take(batch, arrived) {
    if (batch.gap) this.skip(batch.gap);
    for (const row of batch.rows) {
      if (row.position <= this.cursor) this.doubled += 1;
      if (row.position > this.cursor + 1) this.missing += row.position - this.cursor - 1;
      this.cursor = Math.max(this.cursor, row.position);
      this.events += 1;
      if (row.ended >= this.since) ages[Math.min(ages.length - 1, Math.max(0, Math.round(arrived - row.ended)))] += 1;
    }
    // A cursor behind rows that were never given would hide them at the next reconnect.
    if (Number(batch.cursor) > this.cursor) this.missing += Number(batch.cursor) - this.cursor;
    this.cursor = Number(batch.cursor);
    if (this.cursor >= this.target) this.finish();
  }

  skip(gap) {
    this.gaps.push(gap);
    if (Number(gap.from) !== this.cursor) this.errors.push(`a gap from ${gap.from} at ${this.cursor}`);
    this.cursor = Number(gap.to);
  }

  finish() {
    this.done = true;
    this.stop();
    this.reached?.();
  }

  account() {
    const { index, cursor, events, missing, doubled, gaps, reconnects, errors } = this;
    return { index, cursor, events, missing, doubled, gaps, reconnects, errors };
  }
}

function typedBatch(feed) {
  const rows = feed.events.map((row) => ({ position: Number(row.cursor), ended: Date.parse(row.at) + row.latencyMs }));
  return { rows, cursor: feed.cursor, gap: feed.gap };
}

function firehoseBatch(feed) {
  const rows = feed.rows.map((row) => ({ position: row.position, ended: row.at_ms + row.latency_ms }));
  return { rows, cursor: feed.cursor, gap: feed.gap };
}

function deliver(subscriber, answer, arrived) {
  if (answer.errors) subscriber.errors.push(JSON.stringify(answer.errors));
  else if (answer.data.requestLogFeed) subscriber.take(typedBatch(answer.data.requestLogFeed), arrived);
  else subscriber.take(firehoseBatch(answer.data.requestLogFirehose), arrived);
}

// --- server-sent events ---

function openSse(subscriber) {
  const body = JSON.stringify(payload(subscriber));
  const headers = { authorization: `Bearer ${settings.key}`, accept: "text/event-stream", "content-type": "application/json" };
  const request = http.request({ port: settings.port, path: "/graphql", method: "POST", headers, agent: false });
  request.on("response", (response) => {
    if (response.statusCode !== 200) subscriber.errors.push(`status ${response.statusCode}`);
    let rest = "";
    subscriber.begin();
    subscriber.resume = () => response.resume();
    response.setEncoding("utf8");
    response.on("data", (text) => {
      const arrived = Date.now();
      const events = (rest + text).split("\n\n");
      rest = events.pop();
      for (const event of events) if (event.startsWith("event: next")) deliver(subscriber, JSON.parse(event.slice(18)), arrived);
    });
    response.on("error", () => {});
    if (subscriber.stalled) response.pause();
  });
  request.on("error", (error) => subscriber.stopping || subscriber.errors.push(String(error)));
  request.end(body);
  return () => request.destroy();
}

// --- graphql-transport-ws: RFC 6455 as far as text frames go ---

function frame(text) {
  const data = Buffer.from(text);
  const head = data.length < 126 ? Buffer.from([0x81, 0x80 | data.length]) : Buffer.from([0x81, 0xfe, data.length >> 8, data.length & 255]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, data.map((byte, index) => byte ^ mask[index & 3])]);
}

// Complete frames at the front of a buffer, and what is left of it.
function unframe(buffer) {
  const messages = [];
  for (;;) {
    if (buffer.length < 2) break;
    const short = buffer[1] & 127;
    const head = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (buffer.length < head) break;
    const length = short === 127 ? Number(buffer.readBigUInt64BE(2)) : short === 126 ? buffer.readUInt16BE(2) : short;
    if (buffer.length < head + length) break;
    messages.push({ opcode: buffer[0] & 15, data: buffer.subarray(head, head + length) });
    buffer = buffer.subarray(head + length);
  }
  return [messages, buffer];
}

function onMessage(subscriber, socket, { opcode, data }, arrived) {
  if (opcode === 9) return socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]));
  if (opcode === 8) return subscriber.errors.push(`closed: ${data.subarray(2).toString()}`);
  const message = JSON.parse(data.toString());
  if (message.type === "connection_ack") {
    socket.write(frame(JSON.stringify({ id: "1", type: "subscribe", payload: payload(subscriber) })));
    subscriber.begin();
    if (subscriber.stalled) socket.pause();
  } else if (message.type === "next") deliver(subscriber, message.payload, arrived);
  else if (message.type === "error") subscriber.errors.push(JSON.stringify(message.payload));
  return undefined;
}

function openWebSocket(subscriber) {
  const socket = net.connect(settings.port, "127.0.0.1");
  const key = randomBytes(16).toString("base64");
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  let rest = Buffer.alloc(0);
  let open = false;
  subscriber.resume = () => socket.resume();
  socket.write(
    `GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:${settings.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n`,
  );
  socket.on("error", (error) => subscriber.stopping || subscriber.errors.push(String(error)));
  socket.on("data", (data) => {
    const arrived = Date.now();
    rest = rest.length ? Buffer.concat([rest, data]) : data;
    if (!open) {
      const end = rest.indexOf("\r\n\r\n");
      if (end < 0) return;
      if (!rest.subarray(0, end).toString().includes(accept)) subscriber.errors.push("no websocket handshake");
      rest = rest.subarray(end + 4);
      open = true;
      socket.write(frame(JSON.stringify({ type: "connection_init", payload: { authorization: `Bearer ${settings.key}` } })));
    }
    let messages;
    [messages, rest] = unframe(rest);
    for (const message of messages) if (!subscriber.stopping) onMessage(subscriber, socket, message, arrived);
  });
  return () => socket.destroy();
}

// --- the run ---

function connect(subscriber) {
  subscriber.stopping = false;
  const close = (settings.transport === "ws" ? openWebSocket : openSse)(subscriber);
  subscriber.stop = () => {
    subscriber.stopping = true;
    close();
  };
}

function reconnectNowAndThen(subscriber) {
  setTimeout(() => {
    if (subscriber.done) return;
    subscriber.stop();
    subscriber.reconnects += 1;
    setTimeout(() => {
      if (subscriber.done) return;
      connect(subscriber);
      reconnectNowAndThen(subscriber);
    }, AWAY_MS);
  }, RECONNECT_MS * (0.5 + Math.random()));
}

function reach(subscribers, target) {
  const all = subscribers.map(
    (subscriber) =>
      new Promise((resolve) => {
        subscriber.target = target;
        subscriber.reached = resolve;
        if (subscriber.cursor >= target) subscriber.finish();
      }),
  );
  return Promise.race([Promise.all(all), new Promise((resolve) => setTimeout(resolve, GIVE_UP_MS))]);
}

function percentile(share) {
  const total = ages.reduce((sum, count) => sum + count, 0);
  let below = 0;
  return ages.findIndex((count) => (below += count) > share * total);
}

function say(subscribers) {
  const age = ages.some((count) => count > 0) ? { p50_ms: percentile(0.5), p99_ms: percentile(0.99), max_ms: ages.findLastIndex((count) => count > 0) } : null;
  console.log(JSON.stringify({ age, cpu_s: (process.cpuUsage().user + process.cpuUsage().system) / 1e6, subscribers: subscribers.map((s) => s.account()) }));
}

const readers = Array.from({ length: settings.subscribers }, (_, index) => new Subscriber(index, false));
const stalled = Array.from({ length: settings.stalled }, (_, index) => new Subscriber(index, true));
for (const subscriber of [...readers, ...stalled]) connect(subscriber);
readers.slice(0, settings.reconnecting).forEach(reconnectNowAndThen);

const waiting = setInterval(() => {
  if (![...readers, ...stalled].every((subscriber) => subscriber.ready)) return;
  clearInterval(waiting);
  console.log("ready");
}, 20);

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [command, target] = line.split(" ");
  if (command === "reach") {
    await reach(readers, Number(target));
    for (const subscriber of readers) subscriber.finish();
    say(readers);
  } else {
    for (const subscriber of stalled) subscriber.resume();
    await reach(stalled, Number(target));
    for (const subscriber of stalled) subscriber.finish();
    say(stalled);
  }
}
process.exit(0);

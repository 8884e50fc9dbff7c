// What the real TypeScript client (1.x) does behind the proxies, on command:
//
//     node network.mjs --revision REVISION
//
// Reads one command a line (JSON) and answers each with a line; the one command
// is `burst`, as in client.py, besides `ready`.

import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

const { values } = parseArgs({ options: { revision: { type: 'string' } } });
const textOf = (answer) => answer.content.map((block) => block.text ?? '').join('');

async function burst({ url, count, every_ms, seconds }) {
    const transport = new StreamableHTTPClientTransport(new URL(url));
    // The SDK offers the newest revision that it knows, and has no option for it.
    const send = transport.send.bind(transport);
    transport.send = (message, options) => {
        if (message.method === 'initialize') {
            message = { ...message, params: { ...message.params, protocolVersion: values.revision } };
        }
        return send(message, options);
    };
    const client = new Client({ name: 'network', version: '1' });
    const seen = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void seen.push(params.data.n));
    await client.connect(transport);
    await client.setLoggingLevel('debug');
    const options = { timeout: seconds * 1000 };
    const answer = await client.callTool({ name: 'burst', arguments: { count, every_us: every_ms * 1000 } }, undefined, options);
    const again = await client.callTool({ name: 'echo', arguments: { text: 'again' } });
    await transport.terminateSession();
    await client.close();
    return { version: transport.protocolVersion, seen, answer: textOf(answer), again: textOf(again) };
}

for await (const line of createInterface({ input: process.stdin })) {
    const { do: what, ...command } = JSON.parse(line);
    const answer = what === 'ready' ? {} : await burst(command).catch((error) => ({ failed: String(error?.message ?? error) }));
    console.log(JSON.stringify(answer));
}
// A client that hangs on to a socket must not keep the driver.
process.exit(0);

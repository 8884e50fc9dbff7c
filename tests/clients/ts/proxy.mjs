// A TCP proxy on loopback that counts connections and cuts them on purpose:
// what `../python/proxy.py` is for the Python drivers.

import net from 'node:net';

const PROGRESS = Buffer.from('notifications/progress');
const RESUME = 'last-event-id:';

export class Proxy {
    #target;
    #server;
    #sockets = new Set();
    #plan = [];
    #seen = 0;
    #needle = PROGRESS;
    /** Where what is looked for was sent to the client. */
    #carrying = new Set();
    #onResume = () => {};
    /** TCP connections that the client has opened. */
    connections = 0;
    /** Requests that carried `Last-Event-ID`. */
    resumes = 0;
    /** Connections that this proxy has cut. */
    cuts = 0;

    static async open(target) {
        const proxy = new Proxy();
        proxy.#target = new URL(target);
        proxy.#server = net.createServer((socket) => proxy.#accept(socket));
        await new Promise((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
        return proxy;
    }

    get url() {
        const url = new URL(this.#target);
        url.host = `127.0.0.1:${this.#server.address().port}`;
        return url.href;
    }

    /**
     * Cut once after each of these numbers of progress messages, inside the
     * next message and after its `id:` line.
     */
    cutAfter(...counts) {
        this.#plan = counts;
        this.#seen = 0;
    }

    /** Let `cutAfter` count, and `cutNow` find, what has this in it instead of progress. */
    watch(needle) {
        this.#needle = Buffer.from(needle);
    }

    /** Cut the connections on which what is watched for has come. */
    cutNow() {
        for (const socket of this.#carrying) {
            this.cuts += 1;
            socket.destroy();
        }
    }

    /** Resolves at the first request with `Last-Event-ID`. */
    resumed() {
        return new Promise((resolve) => {
            this.#onResume = resolve;
            if (this.resumes > 0) resolve();
        });
    }

    close() {
        this.#server.close();
        for (const socket of this.#sockets) socket.destroy();
    }

    #accept(down) {
        this.connections += 1;
        const up = net.connect(Number(this.#target.port), this.#target.hostname);
        for (const [one, other] of [[down, up], [up, down]]) {
            this.#sockets.add(one);
            one.setNoDelay(true);
            one.on('error', () => {});
            one.on('close', () => {
                this.#sockets.delete(one);
                this.#carrying.delete(one);
                other.destroy();
            });
        }
        let upTail = '';
        down.on('data', (chunk) => {
            const window = upTail + chunk.toString('latin1').toLowerCase();
            this.resumes += window.split(RESUME).length - 1;
            if (this.resumes > 0) this.#onResume();
            upTail = window.slice(-(RESUME.length - 1));
            up.write(chunk);
        });
        let tail = Buffer.alloc(0);
        let cut = false;
        up.on('data', (chunk) => {
            if (cut) return;
            const window = Buffer.concat([tail, chunk]);
            for (let at = -1; (at = window.indexOf(this.#needle, at + 1)) >= 0; ) {
                if (this.#plan.length > 0 && this.#seen === this.#plan[0]) {
                    this.#plan.shift();
                    this.cuts += 1;
                    cut = true;
                    // What was forwarded arrives before the end.
                    down.end(chunk.subarray(0, Math.max(0, at - tail.length)), () => up.destroy());
                    return;
                }
                this.#seen += 1;
                this.#carrying.add(down);
            }
            tail = window.subarray(-(this.#needle.length - 1));
            down.write(chunk);
        });
    }
}

import { Duplex } from "node:stream";

/** A connection without a network for Node's HTTP server and agent: what is said on it is kept, what comes on it is up to the test. */
export class PretendSocket extends Duplex {
  said = "";

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.said += chunk.toString("latin1");
    done();
  }

  // What a server and an agent call of a socket.
  setTimeout(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  destroySoon(): void {
    this.end();
  }

  ref(): void {}

  unref(): void {}
}

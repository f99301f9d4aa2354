import { connect, type Socket } from "node:net";

/*
 * A Dubbo2 peer made of bytes by hand, apart from the product's codec, so that a shared mistake shows:
 *
 *   da bb | flags: 80 request, 40 two-way, 20 event, low bits serialization | status | id, 8 bytes | body length, 4 bytes | body
 *   request body: version, service, service version, method, types as strings; the arguments; a map of attachments
 */

export interface RequestOptions {
  readonly id: bigint;
  readonly service: string;
  readonly version?: string;
  readonly group?: string;
  readonly method: string;
  /** JVM descriptors, as "J" or "Ljava/lang/String;". */
  readonly types?: string;
  /** The arguments' Hessian2 bytes. */
  readonly args?: Buffer;
  readonly attachments?: Readonly<Record<string, string>>;
  readonly serialization?: number;
  readonly oneWay?: boolean;
}

/** A Hessian2 string of up to 1023 ASCII characters. */
export function hessianString(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  const head = bytes.length < 32 ? [bytes.length] : [0x30 + (bytes.length >> 8), bytes.length & 0xff];
  return Buffer.concat([Buffer.from(head), bytes]);
}

/** A Hessian2 long in its nine-byte form. */
export function hessianLong(value: bigint): Buffer {
  const bytes = Buffer.alloc(9, "L");
  bytes.writeBigInt64BE(value, 1);
  return bytes;
}

/** A frame of any flags and body; `length` lies about the body when given. */
export function frame(flags: number, id: bigint, body: Buffer, length = body.length, status = 0): Buffer {
  const head = Buffer.from("dabb0000", "hex");
  head[2] = flags;
  head[3] = status;
  const rest = Buffer.alloc(12);
  rest.writeBigInt64BE(id, 0);
  rest.writeInt32BE(length, 8);
  return Buffer.concat([head, rest, body]);
}

export function requestBody(options: RequestOptions): Buffer {
  const version = options.version ?? "0.0.0";
  const attachments: Record<string, string> = {
    path: options.service,
    interface: options.service,
    version,
    ...(options.group === undefined ? {} : { group: options.group }),
    ...options.attachments,
  };
  return Buffer.concat([
    ...["2.0.2", options.service, version, options.method, options.types ?? ""].map(hessianString),
    options.args ?? Buffer.alloc(0),
    Buffer.from("H"),
    ...Object.entries(attachments).flat().map(hessianString),
    Buffer.from("Z"),
  ]);
}

export function request(options: RequestOptions): Buffer {
  const flags = 0x80 | (options.oneWay ? 0 : 0x40) | (options.serialization ?? 2);
  return frame(flags, options.id, requestBody(options));
}

export interface RawAnswer {
  readonly id: bigint;
  readonly flags: number;
  readonly status: number;
  readonly body: Buffer;
}

/** A connection that keeps what it was answered. */
export interface RawConnection {
  readonly socket: Socket;
  write(bytes: Buffer): void;
  /** The next answer that nobody has taken; throws after `timeoutMs` or when the peer closes. */
  answer(timeoutMs?: number): Promise<RawAnswer>;
  /** Whether the peer has closed within `timeoutMs`. */
  closed(timeoutMs?: number): Promise<boolean>;
  destroy(): void;
}

export function openRaw(host: string, port: number): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let buffered = Buffer.alloc(0);
    const answers: RawAnswer[] = [];
    let over = false;
    const wakers = new Set<() => void>();
    const wake = (): void => {
      for (const waker of wakers) waker();
    };
    socket.on("data", (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk]);
      while (buffered.length >= 16 && buffered.length >= 16 + buffered.readInt32BE(12)) {
        const end = 16 + buffered.readInt32BE(12);
        const [flags, status] = [buffered[2], buffered[3]];
        answers.push({ id: buffered.readBigInt64BE(4), flags, status, body: buffered.subarray(16, end) });
        buffered = buffered.subarray(end);
      }
      wake();
    });
    socket.on("error", (error) => {
      over = true;
      reject(error);
      wake();
    });
    socket.on("close", () => {
      over = true;
      wake();
    });
    const until = (done: () => boolean, timeoutMs: number): Promise<boolean> =>
      new Promise((settle) => {
        const check = (): void => {
          if (!done()) return;
          clearTimeout(timer);
          wakers.delete(check);
          settle(true);
        };
        const timer = setTimeout(() => {
          wakers.delete(check);
          settle(done());
        }, timeoutMs);
        wakers.add(check);
        check();
      });
    socket.on("connect", () =>
      resolve({
        socket,
        write: (bytes) => void socket.write(bytes),
        async answer(timeoutMs = 5_000) {
          await until(() => answers.length > 0 || over, timeoutMs);
          const answer = answers.shift();
          if (answer === undefined)
            throw new Error(over ? "the connection was closed" : `no answer in ${timeoutMs} ms`);
          return answer;
        },
        closed: (timeoutMs = 3_000) => until(() => over, timeoutMs),
        destroy: () => void socket.destroy(),
      }),
    );
  });
}

import type { Fields } from "../../../codecs/fields.ts";
import type { Http2Stream } from "../../../codecs/http2/stream.ts";
import { type NacosBody, parseBody, textOf } from "../../../codecs/nacos/body.ts";
import {
  acknowledgement,
  encodeMessage,
  readConnectionSetup,
  readResult,
  success,
  UN_REGISTER,
} from "../../../codecs/nacos/messages.ts";
import { decodePayload, type NacosPayload } from "../../../codecs/nacos/payload.ts";
import { type ClientCall, DEFAULT_DOWNSTREAM_LIMITS, Downstream, type DownstreamLimits, GRPC } from "./downstream.ts";
import { HeldCalls, type Pending } from "./held-calls.ts";
import { Naming, OUR_PUSH } from "./naming.ts";
import { OwnState } from "./own-state.ts";
import { Rejoin } from "./rejoin.ts";
import type { SessionShared } from "./session-shared.ts";
import { decodeAnswer, type Outcome, readable, Upstream } from "./upstream.ts";

/** How long a client is kept that asks for something, and whose server is gone and no other takes it, ms; then it may look for another facade. */
export const OUTAGE_MS = 30_000;
/** How long one is kept that has all that it wants, ms: were it sent away, it would find a server that knows of nobody yet. */
export const LONG_OUTAGE_MS = 600_000;
/** How long a call may take, ms. */
const CALL_MS = 30_000;
/** What a client asks each 5 s of a connection that is idle; one whose server owes the answer for so long is answered here, ms. */
const HEALTH_CHECK = "HealthCheckRequest";
const HEALTH_MS = 2_000;
/** A client that has said nothing for this long is not worth a new connection: they all check every 5 s, ms. */
const CLIENT_SILENT_MS = 15_000;

/**
 * One client's connection and its own at a server of the registry, as a machine without sockets. Envelopes pass as they came but for the
 * answers that {@link Naming} changes. When the server's end breaks, the client's stays: its connection is made again ({@link Rejoin}) at
 * this server or another one.
 */
export class NacosSession {
  /** The server that was given up last only gave no sign of life: what the client has there may still stand. */
  wasSilent = false;
  readonly #shared: SessionShared;
  readonly #down: Downstream;
  readonly #own: OwnState;
  readonly #naming: Naming;
  #up: Upstream | undefined;
  #rejoin: Rejoin | undefined;
  /** Calls sent to the server, by the client's stream. */
  readonly #pending = new Map<Http2Stream, Pending>();
  readonly #held = new HeldCalls();
  #setup: Buffer | undefined;
  #streamFields: Fields = [];
  #callFields: Fields = [];
  #lostMs: number | undefined;
  #heardMs: number;
  #over = false;
  #left = false;
  #sentAway = false;
  /** The client has had the acknowledgement of its setup. */
  #acknowledged = false;
  #resetDue = false;

  constructor(shared: SessionShared, clientAddress: string, limits: DownstreamLimits = DEFAULT_DOWNSTREAM_LIMITS) {
    this.#shared = shared;
    const nowMs = shared.now();
    this.#heardMs = nowMs;
    this.#lostMs = nowMs;
    const push = (message: Uint8Array) => this.#down.push(message);
    const answer = (stream: Http2Stream, message: Uint8Array) => this.#down.answer(stream, message);
    this.#naming = new Naming({ ...shared, clientAddress, push, answer });
    this.#own = new OwnState({ ...shared, clientAddress, push, application: () => this.#naming.application });
    this.#down = new Downstream(
      {
        onCall: (call) => this.#onCall(call),
        onCancelled: (stream) => this.#onCancelled(stream),
        onStreamOpened: (fields) => this.#onStreamOpened(fields),
        onMessage: (message) => this.#onMessage(message),
        onStreamEnded: (inOrder) => this.#onStreamEnded(inOrder),
      },
      limits,
      nowMs,
    );
  }

  /** Whether a connection to a server is wanted. */
  get wantsServer(): boolean {
    return this.#up === undefined && !this.#over && !this.#left;
  }

  /** Whether the server has all of the client's, and answers it. */
  get isServed(): boolean {
    return this.#up !== undefined && this.#rejoin === undefined;
  }

  /** Whether the client's connection is to be ended. */
  get isOver(): boolean {
    return this.#over;
  }

  /** How many services the client has instances of at its server that go with its connection. */
  get registrations(): number {
    return this.#own.registrations;
  }

  /** Bytes that are kept because something of the client is not whole yet, not answered, or not read by it. */
  get keptBytes(): number {
    const pending = [...this.#pending.values()].reduce((bytes, { call }) => bytes + call.message.length, 0);
    return this.#down.keptBytes + this.#held.bytes + pending + (this.#up?.keptBytes ?? 0);
  }

  /** Takes bytes of the client. Throws `ProtocolError` where it broke a rule or a limit. */
  fromClient(bytes: Uint8Array): void {
    this.#heardMs = this.#shared.now();
    this.#down.receive(bytes, this.#heardMs);
  }

  /** Takes bytes of the server. Throws `ProtocolError` where that broke a rule or a limit. */
  fromServer(bytes: Uint8Array): void {
    this.#up?.receive(bytes, this.#shared.now());
    if (this.#held.size > 0 && this.isServed) this.#release();
  }

  /** A server took the connection; `authority` is its `host:port`. */
  serverConnected(authority: string): void {
    const up = new Upstream(
      authority,
      {
        onPush: (message) => this.#onPush(message),
        onOversized: () => void this.#shared.counters.oversized++,
        onStreamEnded: () => this.#serverEnded(),
      },
      this.#shared.now,
    );
    this.#up = up;
    if (this.#setup === undefined) {
      this.#lostMs = undefined;
      if (this.#down.hasStream) up.openStream(this.#streamFields);
      this.#release();
      return;
    }
    this.#naming.resuming();
    this.#rejoin = new Rejoin({
      upstream: up,
      setup: this.#setup,
      streamFields: this.#streamFields,
      callFields: this.#callFields,
      messages: this.#own.replay(),
      now: this.#shared.now,
      onTaken: (sent, answer) => this.#naming.replayed(sent, parseBody(sent.body), parseBody(answer.body)),
      onReady: () => {
        this.#shared.counters.resumed++;
        this.#rejoin = undefined;
        this.#lostMs = undefined;
        this.#moveOwn();
        this.#release();
      },
      onFailed: (isDenied) => {
        if (isDenied) this.#own.noteDenied();
        this.serverLost();
      },
    });
  }

  /** The connection to the server is gone, or of no more use; `isSilent`: as far as is known it stands. */
  serverLost(isSilent = false): void {
    if (this.#up === undefined) return;
    this.#up = undefined;
    this.#rejoin = undefined;
    this.wasSilent = isSilent;
    this.#shared.counters.upstreamFailures++;
    this.#over ||= this.#left;
    if (this.#left) return;
    const nowMs = this.#shared.now();
    this.#lostMs ??= nowMs;
    for (const pending of this.#pending.values()) {
      pending.server = undefined;
      this.#hold(pending);
    }
    this.#pending.clear();
    if (this.#setup === undefined) return;
    this.#naming.serverLost();
    if (!this.#own.isWhole || nowMs - this.#heardMs > CLIENT_SILENT_MS) this.#abandon();
  }

  /** What is shown may be another, of lists of providers those of `interfaces` alone: the client is told what changed for it. */
  contextChanged(interfaces?: ReadonlySet<string>): void {
    this.#naming.contextChanged(interfaces);
    this.#moveOwn();
  }

  #moveOwn(): void {
    if (this.isServed) this.#own.move((message, done) => void this.#up?.call(message, this.#callFields, done));
  }

  /** Lets time pass. */
  tick(): void {
    const nowMs = this.#shared.now();
    this.#down.tick(nowMs);
    this.#naming.tick();
    this.#rejoin?.tick(nowMs);
    this.#tickServer(nowMs);
    const late = this.#held.expire(nowMs);
    for (const { call } of late)
      this.#down.fail(call.stream, GRPC.unavailable, "no server of the registry can be reached");
    const mostMs = late.length > 0 || this.#setup === undefined ? OUTAGE_MS : LONG_OUTAGE_MS;
    if (this.#lostMs !== undefined && nowMs - this.#lostMs >= mostMs) this.#abandon();
  }

  /** Whether `tick` has something to do soon. */
  get waits(): boolean {
    const owed = this.#held.size + this.#pending.size + (this.#up?.inFlight ?? 1);
    return owed > 0 || this.#rejoin !== undefined || this.#naming.waits;
  }

  /** The client is asked to look for another server, as a server does that is about to end. */
  sendAway(): void {
    this.#sentAway = true;
    this.#naming.sendAway();
  }

  /** Bytes for the client. */
  takeToClient(): Buffer {
    const { machine } = this.#down;
    this.#down.take(machine.takeEvents(), this.#shared.now());
    return machine.takeOutput();
  }

  /** Bytes for the server. */
  takeToServer(): Buffer {
    if (this.#up === undefined) return Buffer.alloc(0);
    this.#up.take(this.#up.machine.takeEvents());
    return this.#up?.machine.takeOutput() ?? Buffer.alloc(0);
  }

  /** Whether a side reads slower than it is written to. */
  setBlocked(side: "client" | "server", blocked: boolean): void {
    if (side === "client") this.#down.machine.setBlocked(blocked);
    else this.#up?.machine.setBlocked(blocked);
  }

  #onCall(call: ClientCall): void {
    this.#shared.counters.calls++;
    const payload = decodePayload(call.message);
    this.#callFields = call.fields;
    const known = this.#own.noteSent(payload);
    // While its server is away a client that is idle need not know: its connection is being made again.
    if (payload.type === HEALTH_CHECK && !this.isServed && this.#setup !== undefined) this.#saysWell(call.stream);
    else if (known !== undefined) this.#down.answer(call.stream, known);
    else this.#forward({ call, payload, server: undefined });
  }

  /** To a client whose server is away or silent: it would go elsewhere after 3 s, and leave what it has here. */
  #saysWell(stream: Http2Stream): void {
    this.#pending.delete(stream);
    this.#down.answer(stream, encodeMessage(success("HealthCheckResponse")));
  }

  #forward(pending: Pending): void {
    if (!this.isServed) {
      this.#hold(pending);
      return;
    }
    const { call } = pending;
    const message = this.#own.toServer(call.message, pending.payload);
    const server = this.#up?.call(message, call.fields, (outcome) => this.#onOutcome(pending, outcome));
    pending.server = server;
    if (server === undefined) this.#hold(pending);
    else this.#pending.set(call.stream, pending);
  }

  #hold(pending: Pending): void {
    const { stream } = pending.call;
    if (!stream.closed && !this.#held.hold(pending))
      this.#down.fail(stream, GRPC.exhausted, "too many calls wait for the registry");
  }

  #release(): void {
    for (const pending of this.#held.take()) if (!pending.call.stream.closed) this.#forward(pending);
  }

  #onCancelled(stream: Http2Stream): void {
    const pending = this.#pending.get(stream);
    this.#pending.delete(stream);
    pending?.server?.cancel();
    this.#held.cancel(stream);
    this.#naming.cancelled(stream);
  }

  #onOutcome(pending: Pending, outcome: Outcome): void {
    const { call, payload } = pending;
    this.#pending.delete(call.stream);
    const answer = outcome.type === "answer" ? readable(() => decodeAnswer(outcome.message)) : undefined;
    if (outcome.type === "failure" || answer === undefined) {
      const why = { status: GRPC.internal, text: "the registry's answer is unreadable" };
      const { status, text } = outcome.type === "failure" ? outcome : why;
      this.#down.fail(call.stream, status, text);
      return;
    }
    const { message } = outcome;
    const isError = answer.type === "ErrorResponse";
    const isConcerned = Naming.isConcerned(payload.type);
    const said = isError || isConcerned ? readable(() => parseBody(answer.body)) : undefined;
    if (isError && said && readResult(said).errorCode === UN_REGISTER && this.#setup !== undefined) {
      // The server has forgotten this connection: the client need not.
      this.#hold(pending);
      this.serverLost();
    } else if (isConcerned && said !== undefined) this.#taken(pending, answer, said, message);
    else this.#down.answer(call.stream, message);
  }

  #taken({ call, payload }: Pending, answer: NacosPayload, said: NacosBody, message: Buffer): void {
    const asked = parseBody(payload.body);
    if (readResult(said).isOk) {
      this.#own.taken(payload, asked, call.message);
      this.#naming.taken(payload.type, asked);
      if (this.#own.hasLate) this.#moveOwn();
    }
    this.#naming.answer({ stream: call.stream, type: payload.type, asked, answer, said, message });
  }

  #onStreamOpened(fields: Fields): void {
    this.#streamFields = fields;
    if (this.isServed) this.#up?.openStream(fields);
  }

  #onMessage(message: Buffer): void {
    const payload = decodePayload(message);
    if (payload.type === "ConnectionSetupRequest") {
      this.#setup ??= Buffer.from(message);
      this.#naming.setup(readConnectionSetup(parseBody(payload.body)));
    } else if (payload.type.endsWith("Response")) {
      if (textOf(parseBody(payload.body), "requestId").startsWith(OUR_PUSH)) return;
    }
    if (this.isServed) this.#up?.send(message);
  }

  #onStreamEnded(inOrder: boolean): void {
    this.#left = true;
    if (inOrder && !this.#sentAway) this.#own.left();
    // What is being brought to another server ends with the connection there.
    if (!this.isServed || this.#sentAway) this.#over = true;
    else this.#up?.endStream();
  }

  /** The server ended the stream: because the client did, or because it wants to be rid of it. */
  #serverEnded(): void {
    if (this.#left || this.#setup === undefined) {
      this.#down.endStream();
      this.#over = this.#left;
      if (!this.#left) this.serverLost();
    } else this.serverLost();
  }

  #onPush(message: Buffer): void {
    const payload = decodeAnswer(message);
    this.#shared.counters.pushes++;
    if (payload.type === "SetupAckRequest") {
      this.#rejoin?.acknowledged();
      if (!this.#acknowledged) this.#down.push(message);
      this.#acknowledged = true;
      return;
    }
    if (payload.type === "ConnectResetRequest" && this.#setup !== undefined && this.#own.isWhole) {
      // It names a server of the registry: the client would go past us. It need not move at all.
      this.#up?.send(encodeMessage(acknowledgement({ type: payload.type, body: parseBody(payload.body) })));
      this.#resetDue = true;
      return;
    }
    if (payload.type === "NotifySubscriberRequest") this.#naming.notified(payload, parseBody(payload.body), message);
    else this.#down.push(message);
  }

  /** The server asked for its clients to go: to be called when what was to say to it has been written. */
  takeReset(): boolean {
    const due = this.#resetDue;
    this.#resetDue = false;
    return due;
  }

  #tickServer(nowMs: number): void {
    if (this.#up === undefined) return;
    if (!this.#up.tick(nowMs)) {
      this.serverLost(true);
      return;
    }
    for (const [stream, { call, payload, server }] of this.#pending) {
      const ageMs = nowMs - call.sinceMs;
      if (payload.type === HEALTH_CHECK && ageMs >= HEALTH_MS) this.#saysWell(stream);
      if (ageMs < CALL_MS) continue;
      this.#pending.delete(stream);
      server?.cancel();
      this.#down.fail(stream, GRPC.deadline, `the registry did not answer within ${CALL_MS} ms`);
    }
  }

  /** Its state at the server cannot be had again unseen: the client makes its own connection anew. */
  #abandon(): void {
    if (!this.#over) this.#shared.counters.abandoned++;
    this.#over = true;
  }
}

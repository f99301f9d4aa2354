/**
 * What both ends of an HTTP/1.1 connection report and are told; the ends are server.ts and client.ts.
 *
 * | event | means |
 * |---|---|
 * | `head` | a message begins, or an interim answer (1xx) came |
 * | `data` | bytes of its body; after `CONNECT` or an upgrade, bytes of the tunnel |
 * | `end` | the message, or the tunnel, is whole |
 * | `abort` | it never will be |
 */
import type { RequestHead, ResponseHead } from "./head.ts";
import type { BodyEvent } from "./machine.ts";
import type { Field, FieldsToSend } from "./output.ts";

/** What a server machine reports. Ids count from 1. */
export type ServerEvent = BodyEvent | { readonly type: "head"; readonly id: number; readonly head: RequestHead };

/** What a client machine reports. Heads of interim answers (1xx) come before the final one, without `end`. */
export type ClientEvent = BodyEvent | { readonly type: "head"; readonly id: number; readonly head: ResponseHead };

/** Body bytes, the end, and giving up: the same for both ends. `abort`: the message can't be finished, close. */
export type BodySend =
  | { readonly type: "data"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: "end"; readonly id: number; readonly trailers?: readonly Field[] | undefined }
  | { readonly type: "abort"; readonly id: number };

/** An answer's head. */
export interface ResponseToSend extends FieldsToSend {
  readonly type: "head";
  readonly id: number;
  /** 1xx but 101 may come any number of times before the final one. */
  readonly status: number;
  /** The usual phrase unless given. */
  readonly reason?: string | undefined;
  /** Body bytes; undefined when not known: chunked, or until close to an HTTP/1.0 peer. */
  readonly length?: number | undefined;
  /** Closes after this answer. */
  readonly close?: boolean | undefined;
  /** With 101: the protocol that follows. */
  readonly upgrade?: string | undefined;
}

/** What a server machine is told to send. Answers to exchanges that are over are dropped. */
export type ServerSend = BodySend | ResponseToSend;

/** A request's head; `id` is the caller's own number, not 0. */
export interface RequestToSend extends FieldsToSend {
  readonly type: "head";
  readonly id: number;
  readonly method: string;
  readonly target: string;
  /** Body bytes, 0 for none; undefined when not known: chunked. */
  readonly length?: number | undefined;
  /** Asks for the protocol; the answer 101 makes a tunnel. */
  readonly upgrade?: string | undefined;
  readonly expectContinue?: boolean | undefined;
  readonly close?: boolean | undefined;
}

/** What a client machine is told to send. */
export type ClientSend = BodySend | RequestToSend;

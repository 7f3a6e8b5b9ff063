/** Clients that ask again and again and keep account of every request. */
import { Agent, type ClientRequest, request as httpRequest } from 'node:http';

import type { Target } from './fire';

export interface Account {
  asked: number;
  /** By status. */
  answers: Record<string, number>;
  /** By code, where no answer came: ECONNREFUSED, ECONNRESET, ... */
  errors: Record<string, number>;
  /** Answers with 200 that were not the right one. */
  wrong: number;
  /** Requests that neither were answered nor failed in time. */
  lost: number;
}

/** More than a deadline of the server's. */
const LOST_AFTER_MS = 40_000;

export class Clients {
  readonly account: Account = { asked: 0, answers: {}, errors: {}, wrong: 0, lost: 0 };
  readonly #target: Target;
  readonly #right: Buffer;
  readonly #agent = new Agent({ keepAlive: true });
  #going = true;
  #work: Promise<unknown>;

  /**
   * @param right the body of the right answer
   * @param leaveEvery one of so many requests is left by its client; never where 0
   */
  constructor(target: Target, right: Buffer, connections: number, leaveEvery = 0) {
    this.#target = target;
    this.#right = right;
    this.#work = Promise.all(Array.from({ length: connections }, () => this.#client(leaveEvery)));
  }

  /** Lets the requests under way end. */
  async stop(): Promise<Account> {
    this.#going = false;
    await this.#work;
    this.#agent.destroy();
    return this.account;
  }

  async #client(leaveEvery: number): Promise<void> {
    while (this.#going) {
      const leave = leaveEvery > 0 && this.account.asked % leaveEvery === 0;
      const failed = await this.#ask(leave);
      // Nobody is there, or wants no more.
      if (failed) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Whether it had no answer with 200. */
  #ask(leave: boolean): Promise<boolean> {
    const { account } = this;
    account.asked++;
    const { url, headers, body } = this.#target;
    return new Promise((resolve) => {
      let settled = false;
      const settle = (count: () => void, failed: boolean): void => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        count();
        resolve(failed);
      };
      const timer = setTimeout(() => settle(() => account.lost++, true), LOST_AFTER_MS);
      const fail = (error: NodeJS.ErrnoException): void =>
        settle(() => add(account.errors, nameOf(error, request)), true);
      const request = httpRequest(
        url,
        {
          method: 'POST',
          headers: { ...headers, 'content-length': body.length },
          agent: this.#agent,
        },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('error', fail);
          response.on('end', () => {
            const status = response.statusCode!;
            const right = status !== 200 || Buffer.concat(parts).equals(this.#right);
            settle(() => {
              add(account.answers, String(status));
              if (!right) account.wrong++;
            }, status !== 200);
          });
        },
      );
      request.on('error', fail);
      request.end(body);
      if (leave)
        setTimeout(() => request.destroy(Object.assign(new Error('left'), { code: 'LEFT' })), 1);
    });
  }
}

/** A reset on a connection that was kept open is another thing than one on a new one. */
function nameOf(error: NodeJS.ErrnoException, { reusedSocket }: ClientRequest): string {
  const { code = error.message } = error;
  return code === 'ECONNRESET' && reusedSocket ? 'ECONNRESET on a kept connection' : code;
}

function add(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

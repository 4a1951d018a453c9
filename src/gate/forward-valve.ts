import type { ServerResponse } from 'node:http';

/** Holds the upstream while the client has not read what was written for it. */
export class Valve {
  private resumes: (() => void) | undefined;
  private shut = false;
  private listens = false;

  constructor(private readonly res: ServerResponse) {}

  /** @param resume  opens the connection that the answer now comes on */
  turnTo(resume: () => void): void {
    this.resumes = resume;
  }

  /** Until the client has read. */
  close(): void {
    this.shut = true;
    if (this.listens) return;
    this.listens = true;
    this.res.on('drain', () => this.open());
  }

  open(): void {
    if (!this.shut) return;
    this.shut = false;
    this.resumes?.();
  }
}

/** What the master answers to an operator's call. */
export interface Reply {
  readonly status: number;
  readonly text: string;
}

export const reply = (status: number, text = ''): Reply => ({ status, text });

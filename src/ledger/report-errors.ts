import { Refusal } from '../core/errors.ts';

/** What is kept of reports is bounded, and rows for less long than heads. */
export class NoSuchReport extends Refusal {
  readonly code = 'no-such-report';
  readonly remedy = 'list what is remembered with "corral report list"';
  constructor(readonly id: string) {
    super(`there is no report "${id}"`);
  }
}

/** The report is remembered, its rows are not any more. */
export class ReportRowsGone extends Refusal {
  readonly code = 'report-rows-gone';
  readonly remedy = 'look into the files of its schedule, or raise report.rowsKept';
  constructor(readonly id: string) {
    super(`the rows of report "${id}" are not kept any more`);
  }
}

import { reportCsv } from '../core/capacity-csv.ts';
import { reportShape } from '../core/capacity-json.ts';
import type { CapacityReport } from '../core/capacity-record.ts';
import { reportText } from '../core/capacity-text.ts';
import type { ReportFormat } from '../config/report.ts';

interface Form {
  readonly extension: string;
  readonly type: string;
  readonly render: (report: CapacityReport) => string;
}

/** A report's forms. All but the text have every row. */
export const FORMS: Readonly<Record<ReportFormat, Form>> = {
  text: { extension: 'txt', type: 'text/plain; charset=utf-8', render: reportText },
  json: {
    extension: 'json',
    type: 'application/json',
    render: (report) => `${JSON.stringify(reportShape(report))}\n`,
  },
  csv: { extension: 'csv', type: 'text/csv; charset=utf-8', render: reportCsv },
};

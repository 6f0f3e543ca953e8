// Sends one log record with OpenTelemetry's own exporter for Node, set up by the OTEL_ variables alone.
import { TraceFlags, trace, ROOT_CONTEXT } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';

const exporter = new OTLPLogExporter();
const results = [];
const send = exporter.export.bind(exporter);
exporter.export = (records, done) => send(records, (result) => { results.push(result); done(result); });

const provider = new LoggerProvider({
  resource: resourceFromAttributes({ 'service.name': 'node-app' }),
  processors: [new SimpleLogRecordProcessor({ exporter })],
});
const spanContext = {
  traceId: '5b8efff798038103d269b633813fc60c',
  spanId: 'eee19b7ec3c1b174',
  traceFlags: TraceFlags.SAMPLED,
};
provider.getLogger('node.logger').emit({
  severityNumber: SeverityNumber.ERROR,
  body: 'from node',
  attributes: {
    text: 'ä', whole: 42, part: 1.5, yes: true, list: ['a', 'b'], map: { inner: 1 },
    bytes: new TextEncoder().encode('hello world'),
  },
  context: trace.setSpanContext(ROOT_CONTEXT, spanContext),
});
await provider.forceFlush();
await provider.shutdown();
const failed = results.filter((result) => result.error);
if (failed.length > 0) throw failed[0].error;
console.log(JSON.stringify({ sent: results.length }));

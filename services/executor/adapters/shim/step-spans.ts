import { inSpan, startSpan } from '#libs/telemetry/tracing.js';
import type { Plan } from '../../domain/plan/encode-plan.js';
import { stepIntervals, type StepTimes } from '../../domain/plan/step-times.js';

/** A plan as a span below the open one, and its steps below that, at the times that the shim told. Operands are left out: they may hold secrets. */
export function recordPlan(plan: Plan, times: StepTimes): void {
  const span = startSpan('plan', { startedAt: times.begun, attributes: { 'berth.plan.steps': plan.steps.length } });
  if (span === undefined) return;
  const steps = stepIntervals(plan, times);
  inSpan(span, () => {
    for (const { name, number, from, to } of steps) {
      const step = number === undefined ? undefined : plan.steps[number];
      const attributes = { 'berth.plan.actor': step?.actor ?? 'shim', ...(step && number !== undefined ? { 'berth.plan.step': number, 'berth.plan.from': step.from } : {}) };
      startSpan(name, { startedAt: from, attributes })?.end(to);
    }
  });
  span.end(steps.reduce((last, { to }) => (to > last ? to : last), times.begun));
}

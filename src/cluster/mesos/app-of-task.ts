const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const TASK = new RegExp(`^(.+)\\.(?:instance-|marathon-)?${UUID}(?:\\..+)?$`);

/**
 * The app or pod that a task of Marathon belongs to, by the task's id: `shop_web.instance-<uuid>._app.1`,
 * `shop_cart.instance-<uuid>.main.2`, and `shop_web.<uuid>` before Marathon 1.9.
 *
 * @returns  canonical id; undefined for what is no id of Marathon's
 * @see      Marathon: core/task/Task.scala, core/instance/Instance.scala
 */
export function appOfTask(taskId: string): string | undefined {
  const safe = TASK.exec(taskId)?.[1];
  // ids of Marathon have no underscore: it stands for the slash
  return safe === undefined ? undefined : `/${safe.replaceAll('_', '/')}`;
}

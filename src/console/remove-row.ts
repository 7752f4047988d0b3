/**
 * A row of a list goes: the focus of its button passes to the next row, or to the one before, or to what
 * unfolds the list.
 */
export function removeRow(row: HTMLElement): void {
  const hadFocus = row.contains(document.activeElement);
  const neighbour = row.nextElementSibling ?? row.previousElementSibling;
  const summary = row.closest("details")?.querySelector("summary");
  row.remove();
  if (hadFocus) (neighbour?.querySelector("button") ?? summary)?.focus();
}

/** Whole units as a decimal string, exactly: `money(-12345, 4)` is `-1.2345`. */
export function money(units: number, places: number): string {
  const digits = String(Math.abs(units)).padStart(places + 1, '0')
  return `${units < 0 ? '-' : ''}${digits.slice(0, -places)}.${digits.slice(-places)}`
}

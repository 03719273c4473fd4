// Numbers, sizes and times in the chosen language.
import { language, t } from '../state/settings'

export function number(value: number, digits = 0): string {
  return value.toLocaleString(language.value, { maximumFractionDigits: digits, minimumFractionDigits: 0 })
}

/** 31.4 below a hundred, 123 above. */
export const speed = (value: number) => number(value, value < 100 ? 1 : 0)

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let power = 0
  let scaled = value
  while (scaled >= 999.5 && power < units.length - 1) {
    scaled /= 1000
    power++
  }
  return `${number(scaled, scaled < 10 && power > 2 ? 2 : scaled < 100 && power > 1 ? 1 : 0)} ${units[power]}`
}

/** 4,096 tokens as 4.1k, 131,072 as 131k. */
export function tokens(value: number): string {
  if (value < 1000) return number(value)
  if (value < 999_500) return `${number(value / 1000, value < 9950 ? 1 : 0)}k`
  return `${number(value / 1_000_000, 1)}M`
}

export function duration(seconds: number): string {
  const { units } = t.value
  if (seconds < 59.5) return units.seconds(number(seconds, seconds < 1 ? 2 : seconds < 10 ? 1 : 0))
  const whole = Math.round(seconds)
  if (whole < 3600) return units.minutes(Math.floor(whole / 60), whole % 60)
  const minutes = Math.round(whole / 60)
  return units.hours(Math.floor(minutes / 60), minutes % 60)
}

/** The hour today, else with the day; seconds since 1970. */
export function moment(seconds: number): string {
  const time = new Date(seconds * 1000)
  const isToday = time.toDateString() === new Date().toDateString()
  const hour = { hour: '2-digit', minute: '2-digit' } as const
  if (isToday) return time.toLocaleTimeString(language.value, hour)
  return time.toLocaleString(language.value, { ...hour, weekday: 'short', month: 'short', day: 'numeric' })
}

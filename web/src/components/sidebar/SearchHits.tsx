import { change, openConversation } from '../../state/conversations'
import { drawer } from '../../state/interface'
import { links } from '../../state/router'
import { query, type Hit } from '../../state/search'
import { t } from '../../state/settings'
import { reveal } from '../../state/tree'

/** Shows the branch in which the text was found. */
async function openHit(hit: Hit): Promise<void> {
  drawer.value = false
  if (!hit.message) return
  await openConversation(hit.id)
  change(hit.id, (c) => reveal(c, hit.message))
}

export function SearchHits({ hits }: { hits: Hit[] }) {
  const { noHits, found, untitled } = t.value.sidebar
  return (
    <>
      <p class="sidebar-empty" role="status">{hits.length ? found(hits.length) : noHits(query.value)}</p>
      <ul>
        {hits.map((hit) => (
          <li key={hit.id}>
            <a class="hit" href={links.chat(hit.id)} onClick={() => void openHit(hit)}>
              <span class="hit-title">{hit.title || untitled}</span>
              {hit.snippet && (
                <span class="hit-text">
                  {hit.snippet.before}
                  <mark>{hit.snippet.match}</mark>
                  {hit.snippet.after}
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
    </>
  )
}

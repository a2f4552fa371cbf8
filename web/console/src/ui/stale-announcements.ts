/**
 * Removes announcements of react-aria whose element has left the page. They stay for seconds after they
 * were read out, and would be pictures without a name.
 */
export function removeStaleAnnouncements(): void {
  new MutationObserver(() => {
    const announced = document.querySelectorAll("[data-live-announcer] [aria-labelledby]");
    for (const announcement of announced) {
      const ids = announcement.getAttribute("aria-labelledby")?.split(" ") ?? [];
      if (!ids.some((id) => document.getElementById(id))) announcement.remove();
    }
  }).observe(document.body, { childList: true, subtree: true });
}

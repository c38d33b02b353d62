// A page opened from a disk may not read others, so there the results have titles only.
DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = location.protocol !== "file:";

"""A Django project whose settings name our handler."""

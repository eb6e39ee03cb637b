"""Results to see and to hear: pictures, sheets, clicks over the music."""

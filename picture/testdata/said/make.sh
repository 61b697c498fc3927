#!/bin/sh
# Pictures that say who took them and where, as exiftool 12.57 writes that.
set -e
cd "$(dirname "$0")"
for file in heif/grid.heic heif/alpha.heic heif/turned.avif animated.webp lossyalpha.webp orientation6.webp; do
	cp "../$file" .
	exiftool -q -overwrite_original -Artist="Anna Muster" -GPSLatitude=47.375 -GPSLatitudeRef=N -GPSLongitude=8.5 -GPSLongitudeRef=E \
		-XMP-dc:Creator="Anna Muster" "$(basename "$file")"
done
for file in orientation6.tif bigendian.tif tiled.tif; do
	cp "../$file" .
	exiftool -q -overwrite_original -Artist="Anna Muster" -GPSLatitude=47.375 -GPSLatitudeRef=N -GPSLongitude=8.5 -GPSLongitudeRef=E \
		-XMP-dc:Creator="Anna Muster" -IPTC:City=Zurich -ExifIFD:UserComment="Anna's lake" "$file"
done
cp ../420.jpg city.jpg
exiftool -q -overwrite_original -IPTC:City=Zurich -IPTC:By-line="Anna Muster" city.jpg
cp ../420.jpg keywords.jpg
exiftool -q -overwrite_original -IPTC:Keywords=lake -IPTC:By-line="Anna Muster" keywords.jpg
cp ../heif/420.avif place.avif
exiftool -q -overwrite_original -XMP-photoshop:City=Zurich place.avif
# And a picture with a preview, as libheif 1.15 makes that, both with transparency.
python3 - <<'PYTHON'
from PIL import Image
m = Image.new("RGBA", (192, 128))
m.putdata([(x, 2 * y, 255 - x, 255 - y) for y in range(128) for x in range(192)])
m.save("preview.png")
PYTHON
heif-enc -q 60 -t 96 preview.png -o preview.heic
exiftool -q -overwrite_original -Artist="Anna Muster" preview.heic
rm preview.png

package stoker;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Where classes are: the package, the jars in its lib, then those of layers; jars by name. */
final class Paths {
    private Paths() {}

    /** The interfaces are always ours: the parent is asked first. */
    static URLClassLoader loader(Settings settings) throws MalformedURLException {
        List<URL> places = new ArrayList<>();
        places.add(new URL("file", null, -1, settings.taskRoot + "/"));
        addJars(new File(settings.taskRoot, "lib"), places);
        addJars(new File(settings.layerRoot, "java/lib"), places);
        return new URLClassLoader(places.toArray(new URL[0]), ClassLoader.getSystemClassLoader());
    }

    private static void addJars(File folder, List<URL> places) throws MalformedURLException {
        String[] names = folder.list();
        if (names == null) {
            return;
        }
        Arrays.sort(names);
        for (String name : names) {
            if (name.endsWith(".jar")) {
                places.add(new URL("file", null, -1, folder.getPath() + "/" + name));
            }
        }
    }
}
